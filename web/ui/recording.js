// What an event changes in a recording. Pure, so that it is tested without a page. It is a preview only: the page shows it at
// once and then reads the recording itself, which is what counts.
import { fileName, moment, percent } from './format.js';

export const over = ['failed', 'cancelled', 'skipped', 'missing', 'found', 'finished'];
const settled = ['done', 'skipped', 'failed', 'cancelled'];

const stepChanges = {
  TranscodeStarted: begun, UpStarted: begun,
  TranscodeEnded: done, UpEnded: done, NotifyEnded: done, DeleteEnded: done,
  TranscodeError: failed, UpError: failed, NotifyError: failed, DeleteError: failed,
  StepHeld: (e) => ({ state: 'held', reason: e.MSG }),
  StepRetry: (e) => ({ state: 'retrying', error: e.MSG }),
  StepSkipped: (e) => ({ state: 'skipped', reason: e.MSG, ended_at: e.TS }),
};

function begun(e, step) {
  return { state: 'running', started_at: step.started_at ?? e.TS, error: undefined, reason: undefined, retry_at: undefined };
}

function done(e) {
  return { state: 'done', output: e.OUT, warning: e.MSG || undefined, ended_at: e.TS, error: undefined, reason: undefined };
}

function failed(e) {
  return { state: 'failed', error: e.MSG, ended_at: e.TS };
}

// Events whose ID is not a recording's.
const elsewhere = ['SessionStarted', 'SessionEnded', 'StreamStarted', 'StreamEnded', 'NodeUp', 'NodeDown', 'RecorderUp', 'RecorderDown', 'DiskLow', 'DiskOK', 'Refused', 'heartbeat', 'gap'];

/** isLive reports whether an event is progress or a heartbeat: without number, never replayed. */
export const isLive = (e) => e.CMD === 'IsTranscode' || e.CMD === 'IsUp' || e.CMD === 'heartbeat';

/** concerns reports whether a lifecycle event is about a recording. */
export const concerns = (e) => Boolean(e.ID) && !isLive(e) && !elsewhere.includes(e.CMD);

/** after returns the recording after an event; one that tells nothing new returns the very same object. */
export function after(recording, e) {
  const stale = moment(e.TS) < moment(recording.updated_at) || (e.RUN && e.RUN < recording.run);
  if (stale || !concerns(e)) return recording;
  const next = {
    ...recording, updated_at: e.TS, state: e.STATE || recording.state, run: e.RUN || recording.run,
    steps: (recording.steps ?? []).map((s) => stepAfter(s, e)),
  };
  if (e.CMD === 'FlowStarted') return { ...next, error: undefined };
  if (e.CMD === 'FlowFinished') return finished(next, e);
  return advanced(next);
}

function stepAfter(step, e) {
  if (e.CMD === 'FlowStarted' && (step.state === 'failed' || step.state === 'cancelled')) {
    return { id: step.id, type: step.type, state: 'pending' };
  }
  const change = stepChanges[e.CMD];
  return change && step.id === e.STEP ? { ...step, ...change(e, step) } : step;
}

// The server queues the next step in the same breath as it ends one.
function advanced(recording) {
  if (recording.state !== 'running') return recording;
  const i = recording.steps.findIndex((s) => !settled.includes(s.state));
  if (i < 0 || recording.steps[i].state !== 'pending') return recording;
  return { ...recording, steps: recording.steps.map((s, at) => (at === i ? { ...s, state: 'queued' } : s)) };
}

function finished(recording, e) {
  if (recording.state === 'failed' || recording.state === 'missing') return { ...recording, error: e.MSG || recording.error };
  if (recording.state !== 'cancelled') return recording;
  const steps = recording.steps.map((s) =>
    settled.includes(s.state) || s.state === 'pending' ? s : { ...s, state: 'cancelled', reason: e.MSG });
  return { ...recording, steps };
}

/** progressOf reads a live frame: {step, percent, bps, eta}; what is unknown is undefined. */
export function progressOf(e) {
  return { step: e.STEP, percent: percent(e.COMP), bps: e.BPS, eta: e.ETA };
}

/** current is the step that is worked on or waited for, if any. */
export const current = (recording) =>
  (recording.steps ?? []).find((s) => !settled.includes(s.state) && s.state !== 'pending');

/** can says what a person may ask for: retry, cancel or run. */
export function can(recording) {
  const steps = recording.steps ?? [];
  const unfinished = steps.some((s) => ['failed', 'cancelled', 'pending'].includes(s.state));
  return {
    retry: unfinished && ['failed', 'cancelled', 'missing', 'finished'].includes(recording.state),
    cancel: ['closed', 'running', 'waiting'].includes(recording.state),
    run: recording.state === 'found' || recording.state === 'skipped',
  };
}

/** places lists where the results lie: the uploads' locations. */
export const places = (recording) =>
  (recording.steps ?? []).filter((s) => s.state === 'done' && s.output?.location).map((s) => s.output.location);

/** shares lists the links to what was uploaded; one of a part says which. */
export const shares = (recording) =>
  (recording.steps ?? []).filter((s) => s.state === 'done').flatMap(({ output }) => [
    output?.share, ...(output?.parts ?? []).map((p) => p.share && { ...p.share, part: fileName(p.path) }),
  ]).filter((share) => share?.link);

/** matches reports whether every word of a search occurs in what the row shows. */
export function matches(recording, search) {
  const { name, title, room_id: room, short_id: short, path, node, id, area } = recording;
  const text = [name, title, room, short, path, node, id, area].join('\n').toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** newer sorts recordings as the list of the API does: newest first, then by id. */
export function newer(a, b) {
  return moment(b.created_at) - moment(a.created_at) || (a.id < b.id ? 1 : -1);
}
