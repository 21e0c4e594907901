// The newest events as sentences.
import { html } from './html.js';
import { fileName } from './format.js';
import { has, says, t } from './i18n.js';
import { entry, events } from './store.js';
import { When } from './time.js';

const bad = ['TranscodeError', 'UpError', 'NotifyError', 'DeleteError', 'Refused', 'NodeDown', 'RecorderDown', 'DiskLow', 'TargetStopped'];
const wary = ['StepHeld', 'StepRetry'];
const good = ['UpEnded', 'TranscodeEnded', 'NotifyEnded', 'DeleteEnded', 'NodeUp', 'RecorderUp', 'DiskOK', 'TargetResumed'];

function mood({ CMD, STATE }) {
  if (CMD === 'FlowFinished') return { finished: 'good', failed: 'bad', missing: 'bad' }[STATE] ?? 'plain';
  return (bad.includes(CMD) && 'bad') || (wary.includes(CMD) && 'wary') || (good.includes(CMD) && 'good') || 'plain';
}

function sentence(e) {
  const who = e.NAME || fileName(e.FILE) || (e.ROOM ? t('row.room', { room: e.ROOM }) : t('events.somebody'));
  const key = `event.${e.CMD}`;
  return t(has(key) ? key : 'event.other', {
    who, cmd: e.CMD, target: e.TARGET ?? '', node: e.NODE ?? '', step: stepOf(e), state: has(`state.${e.STATE}`) ? t(`state.${e.STATE}`) : '',
  });
}

// An event names its step by id; the recording, when it is loaded, knows the type.
function stepOf(e) {
  const type = entry(e.ID)?.recording.peek().steps?.find((s) => s.id === e.STEP)?.type ?? e.STEP;
  return has(`step.${type}`) ? t(`step.${type}`) : (e.STEP ?? '');
}

export function Events() {
  return html`<section class="events panel" aria-labelledby="events">
    <h2 id="events">${t('events.heading')}</h2>
    ${events.value.length === 0 && html`<p class="quiet">${t('events.none')}</p>`}
    <ol tabindex="0" aria-labelledby="events">${events.value.map((e) => html`<${Line} key=${e.EVENT || e.SEQ} event=${e} />`)}</ol>
  </section>`;
}

function Line({ event }) {
  return html`<li class="event ${mood(event)}">
    <p>${sentence(event)} ${event.TITLE && html`<span class="quiet">${event.TITLE}</span>`}</p>
    <${When} at=${event.TS} />
    ${event.MSG && html`<p class="message" title=${event.MSG}>${says(event.MSG)}</p>`}
  </li>`;
}
