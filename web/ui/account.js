// Accounts of Baidu Netdisk and their logins, as the page judges them. Pure.
import { moment } from './format.js';

const grace = 60_000; // what a busy machine may be late

/** waysIn says whether any node has to do with Baidu Netdisk (shown), and whether an account can log in there now (login). */
export function waysIn(nodes) {
  const aims = (n) => (n.targets ?? []).some((target) => target === 'baidu' || target.startsWith('baidu:'));
  return { shown: nodes.some((n) => n.baidu_app || aims(n)), login: nodes.some((n) => n.baidu_app && n.alive) };
}

/** listed adds the default account, which nobody told of before its first login. */
export function listed(accounts, login) {
  if (!login || accounts.some((a) => a.name === 'default')) return accounts;
  return [{ name: 'default', target: 'baidu', state: 'no-login' }, ...accounts];
}

/** offers says what a person may do with an account. The default one without a login has nothing to log out of. */
export const offers = (account, login) => ({
  login: login && account.mode !== 'cookie' && account.state !== 'ready',
  logout: account.state !== 'no-login' || account.name !== 'default',
});

/** standing is a login as the server tells it at a time of its own clock: one that nobody works on any more has ended too. */
export function standing(login, at) {
  if (login.state === 'waiting' && at > moment(login.expires_at) + grace) return { ...login, state: 'expired' };
  if (login.state === 'asked' && at > moment(login.asked_at) + grace) return { ...login, state: 'silent' };
  return login;
}

/** isOver reports whether nothing more happens to a login. */
export const isOver = (login) => login.state !== 'asked' && login.state !== 'waiting';

/** isName reports whether an account may be called so. */
export const isName = (text) => /^[A-Za-z0-9_-]{1,40}$/.test(text);

/** picture is a QR code as the server draws it; nothing else is shown as one. */
export const picture = (qr) => (/^data:image\/png;base64,[A-Za-z0-9+/=]+$/.test(qr ?? '') ? qr : undefined);
