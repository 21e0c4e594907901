// Baidu Netdisk: each account, how full it is, why its uploads wait; logging in and out. Shown only where a node has to do with it.
import { batch, signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { html } from './html.js';
import { listed, isName, offers, waysIn } from './account.js';
import { listAccounts, listNodes, logAccountOut } from './api.js';
import { BaiduLogin, closeLogin, logIn } from './baidulogin.js';
import { ago, moment, size } from './format.js';
import { has, language, says, t } from './i18n.js';
import { Meter } from './nodes.js';
import { loginNeeded, notice, now } from './store.js';
import { When } from './time.js';

const accounts = signal([]);
const ways = signal({ shown: false, login: false });
const busy = signal(''); // the account that is being logged out

/** loadAccounts shows the accounts as they are now and returns them. What goes wrong is told by the rest of the page. */
export async function loadAccounts() {
  if (loginNeeded.peek() || document.hidden) return accounts.peek();
  try {
    const next = waysIn(await listNodes());
    const list = next.shown ? await listAccounts() : [];
    batch(() => {
      ways.value = next;
      accounts.value = list;
    });
  } catch {
    // the feed's banner says that the server is away
  }
  return accounts.peek();
}

let soon;

/** accountsMoved looks again shortly: the worker asks Baidu about an account a moment after something happened to it. */
export function accountsMoved(delay = 700) {
  clearTimeout(soon);
  soon = setTimeout(loadAccounts, delay);
}

export function Baidu() {
  if (!ways.value.shown) return null;
  const { login } = ways.value;
  return html`<section class="baidu panel" aria-labelledby="baidu">
    <h2 id="baidu">${t('baidu.heading')}</h2>
    <ul>${listed(accounts.value, login).map((a) => html`<${Account} key=${a.name} account=${a} may=${offers(a, login)} />`)}</ul>
    <${BaiduLogin} />
    ${login && html`<${Another} />`}
  </section>`;
}

function Account({ account: a, may }) {
  const facts = [a.user, has(`baidu.tier.${a.tier}`) && t(`baidu.tier.${a.tier}`), has(`baidu.mode.${a.mode}`) && t(`baidu.mode.${a.mode}`)];
  return html`<li class="account ${a.state}">
    <h3><span class="lamp" aria-hidden="true"></span><bdi>${a.target}</bdi> <span class="quiet">${t(`baidu.state.${a.state}`)}</span></h3>
    ${a.user && html`<p class="quiet"><bdi>${facts.filter(Boolean).join(' · ')}</bdi></p>`}
    ${a.total_bytes > 0 && html`<${Room} account=${a} />`}
    ${a.reason && html`<p class="note held"><${Since} at=${a.stopped_at} /><span class="words">${says(a.reason)}</span></p>`}
    ${a.checked_at && html`<p class="quiet asked">${t('baidu.checked')} <${When} at=${a.checked_at} />${a.node && html` · <bdi>${a.node}</bdi>`}</p>`}
    ${(may.login || may.logout) && html`<${Buttons} account=${a} may=${may} />`}
  </li>`;
}

function Room({ account: { used_bytes: used = 0, total_bytes: total } }) {
  return html`<dl class="meters">
    <${Meter} word=${t('baidu.space')} value=${(100 * used) / total} warn=${90} bad=${97} more=${t('nodes.free', { size: size(Math.max(0, total - used)) })} />
  </dl>
  <p class="quiet">${t('baidu.used', { used: size(used), total: size(total) })}</p>`;
}

function Since({ at }) {
  const time = moment(at);
  if (Number.isNaN(time)) return null;
  return html`<b title=${new Date(time).toLocaleString(language.value)}>${t('baidu.since', { time: ago(time, now.value, language.value, t('time.now')) })}</b> `;
}

/** Buttons asks once more before it logs out: uploads wait from then on. */
function Buttons({ account, may }) {
  const [sure, ask] = useState(false);
  const working = busy.value === account.name;
  const [way, word] = account.state === 'no-login' ? ['primary', 'baidu.login'] : ['again', 'baidu.again'];
  const out = () => (sure ? logOut(account.name) : ask(true));
  return html`${sure && html`<p class="quiet" role="status">${t('baidu.logoutWhat')}</p>`}
    <p class="account-buttons">
      ${may.login && html`<button type="button" class=${way} onClick=${() => logIn(account.name, loadAccounts)}>${t(word)}</button>`}
      ${may.logout && html`<button type="button" class="cancel ${sure ? 'sure' : ''}" disabled=${working} onBlur=${() => ask(false)} onClick=${out}>
        ${t(sure ? 'baidu.logoutSure' : 'baidu.logout')}</button>`}
    </p>`;
}

async function logOut(name) {
  busy.value = name;
  closeLogin(name);
  try {
    await logAccountOut(name);
    notice.value = '';
  } catch (err) {
    if (err.status === 401) loginNeeded.value = true;
    else notice.value = err.inWords?.(t) ?? String(err);
  }
  await loadAccounts();
  busy.value = '';
  accountsMoved(2000);
}

/** Another logs one more account in, under a name of its own that flows call it by. */
function Another() {
  const [name, type] = useState('');
  const enter = (event) => {
    event.preventDefault();
    if (!isName(name.trim())) return void (notice.value = t('baidu.notAName'));
    logIn(name.trim(), loadAccounts);
    type('');
  };
  return html`<details class="another"><summary>${t('baidu.another')}</summary>
    <form class="room-add" onSubmit=${enter}>
      <input type="text" value=${name} onInput=${(e) => type(e.target.value)} placeholder=${t('baidu.name')} aria-label=${t('baidu.name')}
        maxlength="40" autocapitalize="off" spellcheck="false" />
      <button type="submit" disabled=${!name.trim()}>${t('baidu.login')}</button>
    </form>
  </details>`;
}
