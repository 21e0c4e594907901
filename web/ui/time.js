// A moment on the page: how long ago, with the exact time behind it.
import { html } from './html.js';
import { ago, moment } from './format.js';
import { language, t } from './i18n.js';
import { now } from './store.js';

/** When shows an RFC 3339 time; nothing for none. */
export function When({ at }) {
  const time = moment(at);
  if (Number.isNaN(time)) return null;
  const exact = new Date(time).toLocaleString(language.value);
  return html`<time datetime=${at} title=${exact}>${ago(time, now.value, language.value, t('time.now'))}</time>`;
}
