// A recording's steps as a chain, and the progress of the one that is worked on.
import { html } from './html.js';
import { clock, speed } from './format.js';
import { has, t } from './i18n.js';
import { current } from './recording.js';

const marks = { done: '✓', failed: '✕', cancelled: '–', skipped: '–', held: 'Ⅱ', retrying: '↻', running: '', queued: '', pending: '' };
const quiet = ['done', 'pending'];

export const stepName = (step) => (has(`step.${step.type}`) ? t(`step.${step.type}`) : step.id);

/** Steps draws the chain. Colour, mark and words say the same. */
export function Steps({ steps }) {
  return html`<ol class="steps" aria-label=${t('row.steps')}>
    ${steps.map((step) => html`<li key=${step.id} class="step ${step.state}">
      <span class="mark" aria-hidden="true">${marks[step.state]}</span>
      <span>${stepName(step)}</span>
      <span class=${quiet.includes(step.state) ? 'for-readers' : 'step-state'}>${t(`stepState.${step.state}`)}</span>
    </li>`)}
  </ol>`;
}

/** Progress reads its own signal: a moving bar draws nothing else again. Its parts keep their places. */
export function Progress({ recording, progress }) {
  const step = current(recording);
  if (step?.state !== 'running') return null;
  const { percent, bps, eta } = progress.value ?? {};
  const bar = { max: 100, 'aria-label': t('row.progress', { step: stepName(step) }), ...(percent !== undefined && { value: percent }) };
  return html`<div class="progress">
    <progress ...${bar}></progress>
    <span class="percent">${percent === undefined ? '' : `${percent}%`}</span>
    <span class="speed">${speed(bps)}</span>
    <span class="left">${eta > 0 ? t('row.left', { time: clock(eta) }) : ''}</span>
  </div>`;
}
