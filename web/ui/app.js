// The page: wires the feed and the snapshot to the store, and lays the parts out.
import { render } from 'preact';
import { batch, effect } from '@preact/signals';
import { html } from './html.js';
import { listRecordings } from './api.js';
import { Baidu, accountsMoved, loadAccounts } from './baidu.js';
import { Events } from './events.js';
import { Feed, pause } from './feed.js';
import { switchLanguage, t } from './i18n.js';
import { Login } from './login.js';
import { Nodes } from './nodes.js';
import { Recordings } from './recordings.js';
import { Rooms, loadRooms, roomsMoved } from './rooms.js';
import { Refresher, load } from './snapshot.js';
import { counts, link, loginNeeded, notice, now, take } from './store.js';

const refresher = new Refresher();

const feed = new Feed({
  open: (since) => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws${since ? `?since=${encodeURIComponent(since)}` : ''}`),
  onFrame: queue,
  onState: (state) => { link.value = state; },
  probe: () => listRecordings({ limit: 1 }).catch(refused),
});

function refused(err) {
  if (err.status === 401) {
    feed.stop();
    loginNeeded.value = true;
  }
  throw err;
}

// Frames are taken together once per picture; a hidden tab gets no pictures, so there a timer does it.
let waiting = [];
function queue(event) {
  if (waiting.push(event) > 1) return;
  if (document.hidden) setTimeout(takeAll, 500);
  else requestAnimationFrame(takeAll);
}

function takeAll() {
  const frames = waiting;
  waiting = [];
  batch(() => {
    for (const event of frames) {
      const changed = take(event);
      if (changed) refresher.want(changed);
    }
  });
  if (frames.some((e) => /^(Session|Stream|Recorder|Node)/.test(e.CMD))) roomsMoved();
  if (frames.some((e) => /^(Target|Node)/.test(e.CMD))) accountsMoved();
  if (frames.some((e) => e.CMD === 'gap')) load().catch(refused).catch(() => {});
}

let attempts = 0;
async function begin() {
  try {
    feed.start(await load());
    loadRooms();
    loadAccounts();
    attempts = 0;
    notice.value = '';
  } catch (err) {
    if (err.status === 401) return void (loginNeeded.value = true);
    notice.value = err.inWords?.(t) ?? String(err);
    setTimeout(begin, pause(attempts++));
  }
}

function loggedIn() {
  loginNeeded.value = false;
  begin();
}

function Page() {
  if (loginNeeded.value) return html`<${Top} /><${Login} done=${loggedIn} />`;
  return html`
    <a class="skip" href="#recordings">${t('page.skip')}</a>
    <${Top} />
    <${Banners} />
    <main class="page"><${Recordings} /><aside><${Rooms} /><${Baidu} /><${Nodes} /><${Events} /></aside></main>`;
}

function Top() {
  return html`<header class="top"><div>
    <h1><a class="brand" href="/"><img src="/ui/favicon.svg" alt="" width="26" height="26" /> <span>NGlive</span></a></h1>
    ${!loginNeeded.value && html`<span class="link ${link.value}" role="status"><span class="lamp" aria-hidden="true"></span>${t(`link.${link.value}`)}</span>`}
    <nav aria-label=${t('page.links')}>${!loginNeeded.value && html`<a href="/docs/">${t('page.docs')}</a><a href="/asynq/">${t('page.queue')}</a>`}</nav>
    <button type="button" class="language" title=${t('page.languageHint')} onClick=${switchLanguage}>${t('page.language')}</button>
  </div></header>`;
}

function Banners() {
  return html`<div class="banners" aria-live="polite">
    ${link.value === 'lost' && html`<div class="banner wary"><p><b>${t('banner.lost')}</b> ${t('banner.stale')}</p>
      <button type="button" onClick=${() => feed.wake()}>${t('banner.now')}</button></div>`}
    ${notice.value && html`<div class="banner bad" role="alert"><p>${notice.value}</p>
      <button type="button" onClick=${() => { notice.value = ''; }}>${t('error.dismiss')}</button></div>`}
  </div>`;
}

function keys(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById('search')?.focus();
}

effect(() => {
  const working = counts.value.running ?? 0;
  document.title = working > 0 ? `(${working}) NGlive` : 'NGlive';
});
setInterval(() => { now.value = Date.now(); loadRooms(); }, 10_000);
setInterval(loadAccounts, 60_000);
addEventListener('online', () => feed.wake());
addEventListener('keydown', keys);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  feed.wake();
  loadAccounts();
});

render(html`<${Page} />`, document.getElementById('app'));
begin();
