// What a newcomer sees while there are no recordings: the two ways to get the first one.
import { html } from './html.js';
import { Copyable } from './copy.js';
import { t } from './i18n.js';

export function FirstRun() {
  return html`<div class="first-run">
    <h3>${t('hint.heading')}</h3>
    <p>${t('hint.intro')}</p>
    <ol>
      <li>
        <p>${t('hint.webhook')}</p>
        <${Copyable} text=${`${location.origin}/webhook/`} />
        <p class="aside">${t('hint.token')}</p>
      </li>
      <li>
        <p>${t('hint.sample')}</p>
        <${Copyable} text="bin/nglive sample" />
        <p class="aside">${t('hint.sampleWhat')}</p>
      </li>
    </ol>
  </div>`;
}
