// One recording: what it is, where it stands, and what a person can do about it.
import { useEffect, useState } from 'preact/hooks';
import { html } from './html.js';
import { act } from './api.js';
import { Copyable } from './copy.js';
import { clock, fileName, size } from './format.js';
import { says, t } from './i18n.js';
import { can, current, places } from './recording.js';
import { Shares } from './share.js';
import { entry, notice, put } from './store.js';
import { Progress, Steps } from './steps.js';
import { When } from './time.js';

/** Row draws again when its recording changes, and for nothing else. */
export function Row({ id }) {
  const known = entry(id);
  if (!known) return null;
  const recording = known.recording.value;
  const who = recording.name || fileName(recording.path);
  return html`<li class="row ${recording.state}">
    <article aria-labelledby=${`who-${id}`}>
      <header>
        <h3 id=${`who-${id}`}><bdi class="who">${who}</bdi> ${recording.title && html`<bdi class="title">${recording.title}</bdi>`}</h3>
        <span class="state">${t(`state.${recording.state}`)}</span>
      </header>
      <${Facts} recording=${recording} />
      <div class="work">
        ${recording.steps?.length > 0 && html`<${Steps} steps=${recording.steps} />`}
        <${Progress} recording=${recording} progress=${known.progress} />
        <${Actions} recording=${recording} who=${who} />
      </div>
      <${Notes} recording=${recording} />
    </article>
  </li>`;
}

function Facts({ recording: r }) {
  return html`<ul class="facts">
    ${r.room_id > 0 && html`<li>${t('row.room', { room: r.room_id })}</li>`}
    <li><${When} at=${r.opened_at ?? r.created_at} /></li>
    ${r.size_bytes > 0 && html`<li>${size(r.size_bytes)}</li>`}
    ${r.duration_seconds > 0 && html`<li title=${t('row.length', { time: clock(r.duration_seconds) })}>${clock(r.duration_seconds)}</li>`}
    <li>${r.node}</li>
    <li class="file"><bdi title=${r.path}>${fileName(r.path)}</bdi></li>
  </ul>`;
}

/** Notes are the sentences under a row: why it waits, what went wrong, where it went. */
function Notes({ recording: r }) {
  const step = current(r);
  const failed = ['failed', 'missing'].includes(r.state) ? r.error : undefined;
  const left = failed ? [] : (r.steps ?? []).filter((s) => s.state === 'failed' && s.error);
  return html`
    ${r.state === 'found' && html`<p class="note">${t('row.foundWhat')}</p>`}
    ${step?.state === 'held' && html`<${Note} kind="held" label=${t('row.held')}>${step.reason}<//>`}
    ${step?.state === 'retrying' && html`<${Note} kind="held" label=${t('row.retrying')}><${Retrying} step=${step} /><//>`}
    ${failed && html`<${Note} kind="failed" label=${t('row.failed')}>${says(failed)}<//>`}
    ${left.map((s) => html`<${Note} key=${s.id} kind="failed" label=${t('row.failed')}>${s.error}<//>`)}
    ${(r.steps ?? []).filter((s) => s.warning).map((s) => html`<${Note} key=${s.id} kind="held" label=${t('row.warning')}>${s.warning}<//>`)}
    ${places(r).map((place) => html`<p class="note place" key=${place}><b>${t('row.place')}</b> <${Copyable} text=${place} /></p>`)}
    <${Shares} recording=${r} />
  `;
}

function Note({ kind, label, children }) {
  return html`<div class="note ${kind}"><b>${label}</b> <span class="words">${children}</span></div>`;
}

function Retrying({ step }) {
  const at = step.retry_at ? new Date(step.retry_at).toLocaleTimeString() : '';
  return html`${step.error}${at && ` (${t('row.retryAt', { time: at })})`}`;
}

function Actions({ recording, who }) {
  const may = can(recording);
  if (!may.retry && !may.run && !may.cancel) return null;
  return html`<div class="actions">
    ${may.retry && html`<${Action} key="retry" id=${recording.id} action="retry" who=${who} />`}
    ${may.run && html`<${Action} key="run" id=${recording.id} action="run" who=${who} />`}
    ${may.cancel && html`<${Action} key="cancel" id=${recording.id} action="cancel" who=${who} />`}
  </div>`;
}

/** Action is a button that asks the server. Cancelling throws hours of work away, so it wants a second press. */
function Action({ id, action, who }) {
  const [stage, setStage] = useState('ready'); // ready | sure | busy
  useEffect(() => {
    if (stage !== 'sure') return undefined;
    const timer = setTimeout(() => setStage('ready'), 4000);
    return () => clearTimeout(timer);
  }, [stage]);
  const press = async () => {
    if (action === 'cancel' && stage === 'ready') return setStage('sure');
    setStage('busy');
    await act(id, action).then((after) => after?.id && put([after]), (err) => { notice.value = err.inWords(t); });
    return setStage('ready');
  };
  const word = { ready: t(`action.${action}`), sure: t('action.cancelSure'), busy: t('action.busy') }[stage];
  return html`<button type="button" class="${action} ${stage}" disabled=${stage === 'busy'} onClick=${press}
    aria-label=${t('action.of', { action: word, who })}>${word}</button>`;
}
