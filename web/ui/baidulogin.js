// One login to Baidu Netdisk: shows the code, the address and the QR code, and follows it until it is over.
import { signal } from '@preact/signals';
import { html } from './html.js';
import { isOver, picture, standing } from './account.js';
import { readLogin, startLogin } from './api.js';
import { Copyable } from './copy.js';
import { moment } from './format.js';
import { language, t } from './i18n.js';
import { Address } from './share.js';
import { loginNeeded } from './store.js';

const every = 2000;
const login = signal(undefined); // what the server says of it
let turn = 0; // counts up, so that a login that was closed or replaced is not followed any more

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** closeLogin stops showing the login of an account. Its code lapses by itself. */
export function closeLogin(account) {
  if (login.peek()?.account !== account) return;
  turn++;
  login.value = undefined;
}

/** logIn asks for a code and follows what becomes of it; readAccounts returns the accounts as they are then. */
export async function logIn(account, readAccounts) {
  const mine = ++turn;
  const show = (next) => { if (mine === turn) login.value = { ...next, account }; };
  show({ state: 'asked' });
  try {
    let known = await startLogin(account);
    for (show(known); !isOver(known) && mine === turn; show(known)) {
      await pause(every);
      known = await again(account, known);
    }
    // The worker tells of the account once it has asked Baidu about it.
    for (let tries = 0; known.state === 'done' && mine === turn && tries < 10; tries++) {
      if ((await readAccounts()).some((a) => a.name === account && a.state === 'ready')) return;
      await pause(1000);
    }
  } catch (err) {
    if (err.status === 401) loginNeeded.value = true;
    show({ state: 'failed', message: err.inWords?.(t) ?? String(err) });
  }
}

// A server that is away for a moment does not end a login.
async function again(account, known) {
  try {
    const { answer, at } = await readLogin(account);
    return standing(answer, at);
  } catch (err) {
    if (err.status >= 400 && err.status < 500) throw err;
    return known;
  }
}

/** BaiduLogin shows the login that is under way, if any. */
export function BaiduLogin() {
  const l = login.value;
  if (!l) return null;
  return html`<div class="baidu-login ${l.state}">
    <h3>${t('baidu.loginOf', { account: l.account })}</h3>
    ${l.state === 'waiting' ? html`<${Code} login=${l} />` : html`<p role="status">${sentence(l)}</p>`}
    <button type="button" onClick=${() => closeLogin(l.account)}>${t(isOver(l) ? 'error.dismiss' : 'baidu.cancel')}</button>
  </div>`;
}

const sentence = ({ state, message, node }) =>
  (state === 'failed' && message) || t(`baidu.login.${state}`, { node: node ?? '' });

function Code({ login: l }) {
  const qr = picture(l.qr);
  const end = moment(l.expires_at);
  return html`<p role="status">${t('baidu.login.waiting')}</p>
    <p><${Address} text=${l.verification_url} /></p>
    <p class="user-code"><${Copyable} text=${l.user_code} label=${t('baidu.code')} /></p>
    ${qr && html`<img class="qr" src=${qr} alt=${t('baidu.qr')} />`}
    ${end > 0 && html`<p class="quiet">${t('baidu.until', { time: new Date(end).toLocaleTimeString(language.value) })}</p>`}`;
}
