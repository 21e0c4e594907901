// The list of recordings with its filters, search and further pages.
import { useState } from 'preact/hooks';
import { html } from './html.js';
import { FirstRun } from './firstrun.js';
import { t } from './i18n.js';
import { Row } from './row.js';
import { runFound } from './api.js';
import { more } from './snapshot.js';
import { counts, filter, loaded, notice, pages, search, shown } from './store.js';

const states = ['opening', 'closed', 'running', 'waiting', 'failed', 'missing', 'finished', 'cancelled', 'skipped', 'found'];
const always = ['running', 'waiting', 'failed', 'finished'];

const total = () => states.reduce((sum, state) => sum + (counts.value[state] ?? 0), 0);
const tell = (err) => { notice.value = err.inWords?.(t) ?? String(err); };

export function Recordings() {
  const empty = loaded.value && total() === 0 && shown.value.length === 0 && !search.value && filter.value === 'all';
  return html`<section class="recordings" aria-labelledby="recordings">
    <div class="heading">
      <h2 id="recordings" tabindex="-1">${t('recordings.heading')}</h2>
      <${Search} />
    </div>
    <${Filters} />
    ${empty ? html`<${FirstRun} />` : html`<${List} />`}
  </section>`;
}

function Search() {
  return html`<input type="search" id="search" value=${search.value} onInput=${(e) => { search.value = e.target.value; }}
    placeholder=${t('recordings.searchShort')} aria-label=${t('recordings.search')} autocomplete="off" spellcheck="false" />`;
}

function choose(state) {
  filter.value = state;
  if (loaded.peek() && !pages.peek()[state]) more(state).catch(tell);
}

function Filters() {
  const offered = states.filter((s) => always.includes(s) || counts.value[s] > 0 || filter.value === s);
  return html`<div class="filters" role="group" aria-label=${t('recordings.filters')}>
    <${Chip} state="all" word=${t('recordings.all')} count=${total()} />
    ${offered.map((s) => html`<${Chip} key=${s} state=${s} word=${t(`state.${s}`)} count=${counts.value[s] ?? 0} />`)}
  </div>`;
}

function Chip({ state, word, count }) {
  return html`<button type="button" class="chip ${state} ${count > 0 ? 'some' : ''}" aria-pressed=${filter.value === state ? 'true' : 'false'}
    onClick=${() => choose(state)}>${word} <span class="count">${count}</span></button>`;
}

function List() {
  const rows = shown.value;
  if (!loaded.value) return html`<div class="list placeholder" aria-label=${t('page.loading')}>${[1, 2, 3].map(() => html`<div class="ghost"></div>`)}</div>`;
  return html`
    ${filter.value === 'found' && rows.length > 0 && html`<${RunFound} />`}
    ${rows.length > 0 && html`<ul class="list">${rows.map((id) => html`<${Row} key=${id} id=${id} />`)}</ul>`}
    ${rows.length === 0 && html`<${Nothing} />`}
    <p class="for-readers" role="status">${t('recordings.shown', { n: rows.length })}</p>
    ${pages.value[filter.value]?.cursor && html`<${More} state=${filter.value} />`}
  `;
}

/** RunFound starts the flows of every older file; that may be much work, so it wants a second press. */
function RunFound() {
  const [stage, setStage] = useState('ready'); // ready | sure | busy
  const press = async () => {
    if (stage === 'ready') return setStage('sure');
    setStage('busy');
    await runFound().catch(tell);
    return setStage('ready');
  };
  const word = { ready: t('recordings.runFound'), sure: t('recordings.runFoundSure', { n: counts.value.found ?? 0 }), busy: t('action.busy') }[stage];
  return html`<button type="button" class="run-found ${stage}" disabled=${stage === 'busy'} onClick=${press}>${word}</button>`;
}

function Nothing() {
  const words = search.value ? t('recordings.noneMatch') : t('recordings.noneState', { state: t(`state.${filter.value}`) });
  const clear = () => {
    search.value = '';
    choose('all');
  };
  return html`<div class="nothing">
    <p>${filter.value === 'all' && !search.value ? t('page.loading') : words}</p>
    <button type="button" onClick=${clear}>${t('recordings.clear')}</button>
  </div>`;
}

function More({ state }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await more(state).catch(tell);
    setBusy(false);
  };
  return html`<button type="button" class="more" disabled=${busy} onClick=${press}>
    ${busy ? t('recordings.loadingMore') : t('recordings.more')}
  </button>`;
}
