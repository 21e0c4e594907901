// The links that let others fetch an upload. They come from the netdisk: what is none of the web stays a text.
import { html } from './html.js';
import { Copyable } from './copy.js';
import { ago, moment, webLink } from './format.js';
import { language, t } from './i18n.js';
import { shares } from './recording.js';
import { now } from './store.js';

/** Shares lists a recording's links; most have none. */
export const Shares = ({ recording }) =>
  shares(recording).map((share) => html`<${Share} key=${share.link} ...${share} />`);

function Share({ link, password, expires_at: until, part }) {
  const secret = password ? ` ${t('share.password', { password })}` : '';
  return html`<div class="note place share">
    <b>${t('share.heading')}</b> ${part && html`<bdi class="quiet">${part}</bdi>`}
    <${Copyable} text=${(webLink(link) ?? link) + secret} label=${t('share.heading')}><${Address} text=${link} />${secret}<//>
    <span class="quiet"><${Until} at=${until} /></span>
  </div>`;
}

/** Address is a link out of NGlive; the page behind it learns nothing of this one and cannot reach back. */
export function Address({ text }) {
  const address = webLink(text);
  if (!address) return html`<code><bdi>${text}</bdi></code>`;
  return html`<a href=${address} target="_blank" rel="noopener noreferrer"><bdi>${address}</bdi></a>`;
}

function Until({ at }) {
  const end = moment(at);
  if (Number.isNaN(end)) return t('share.forever');
  const words = { date: new Date(end).toLocaleDateString(language.value), time: ago(end, now.value, language.value, t('time.now')) };
  return html`<time datetime=${at} title=${new Date(end).toLocaleString(language.value)}>${t(end > now.value ? 'share.until' : 'share.over', words)}</time>`;
}
