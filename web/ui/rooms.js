// The rooms of every recorder: what each one is doing, and what a person can have it do.
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { html } from './html.js';
import { addRoom, changeRoom, listRooms } from './api.js';
import { t } from './i18n.js';
import { loginNeeded, notice } from './store.js';

const rooms = signal([]);
const recorders = signal([]); // of nodes that drive one
const busy = signal(''); // the key of the room that a command is under way for

const key = (room) => `${room.node}/${room.room_id}`;

/** loadRooms shows the rooms as they are now. What goes wrong is told by the rest of the page. */
export async function loadRooms() {
  if (loginNeeded.peek() || document.hidden) return;
  try {
    const answer = await listRooms();
    recorders.value = answer.recorders.filter((r) => r.away !== 'no_recorder');
    rooms.value = answer.rooms.filter((r) => r.node);
  } catch {
    // the feed's banner says that the server is away
  }
}

let soon;

/** roomsMoved looks again shortly: the worker tells of a change a moment after its event. */
export function roomsMoved() {
  clearTimeout(soon);
  soon = setTimeout(loadRooms, 700);
}

async function command(name, ask) {
  if (busy.peek()) return false;
  busy.value = name;
  try {
    const answer = await ask();
    notice.value = answer.outcome === 'unverified' ? t('rooms.unverified') : (answer.state === 'done' ? '' : t('rooms.slow'));
    return true;
  } catch (err) {
    if (err.status === 401) loginNeeded.value = true;
    else notice.value = err.inWords?.(t) ?? String(err);
    return false;
  } finally {
    busy.value = '';
    await loadRooms();
  }
}

export function Rooms() {
  if (recorders.value.length === 0) return null;
  const several = recorders.value.length > 1;
  return html`<section class="rooms panel" aria-labelledby="rooms">
    <h2 id="rooms">${t('rooms.heading')} <span class="quiet">${rooms.value.length || ''}</span></h2>
    ${recorders.value.filter((r) => r.away).map((r) => html`<p class="note held" key=${r.node}>${t(`rooms.away.${r.away}`, { node: r.node })}</p>`)}
    <ul>${rooms.value.map((room) => html`<${Room} key=${key(room)} room=${room} several=${several} />`)}</ul>
    <${Add} nodes=${recorders.value.map((r) => r.node)} />
  </section>`;
}

function Room({ room, several }) {
  const act = (action) => () => command(key(room), () => changeRoom(room, action));
  const working = busy.value === key(room);
  return html`<li class="room ${room.doing}" aria-busy=${working}>
    <h3><span class="lamp" aria-hidden="true"></span><bdi title=${room.title}>${room.name || t('rooms.nameless')}</bdi>
      <span class="quiet">${t(`rooms.doing.${room.doing}`)}</span></h3>
    <div class="room-line">
      <p class="quiet"><span class="number">${room.room_id}</span>${several && html` · <bdi>${room.node}</bdi>`}${room.flow && html` · ${room.flow}`}</p>
      <p class="room-buttons">
        ${room.doing === 'recording' && html`<button type="button" class="small" disabled=${working} onClick=${act('stop')}>${t('rooms.stop')}</button>`}
        ${room.doing === 'live' && html`<button type="button" class="small" disabled=${working} onClick=${act('start')}>${t('rooms.start')}</button>`}
        <${Remove} disabled=${working} onSure=${act('remove')} /></p>
    </div>
  </li>`;
}

/** Remove asks once more: a recording that is under way ends with it. */
function Remove({ disabled, onSure }) {
  const [asked, ask] = useState(false);
  return html`<button type="button" class="small" disabled=${disabled} onBlur=${() => ask(false)}
    onClick=${() => (asked ? onSure() : ask(true))}>${t(asked ? 'rooms.removeSure' : 'rooms.remove')}</button>`;
}

function Add({ nodes }) {
  const [text, type] = useState('');
  const [node, choose] = useState(nodes[0]);
  const add = async (event) => {
    event.preventDefault();
    const id = Number(text.trim().replace(/^.*live\.bilibili\.com\/(\d+).*$/, '$1'));
    if (!Number.isSafeInteger(id) || id < 1) return void (notice.value = t('rooms.notANumber'));
    if (await command('new', () => addRoom(id, nodes.includes(node) ? node : nodes[0]))) type('');
  };
  return html`<form class="room-add" onSubmit=${add}>
    <input type="text" value=${text} onInput=${(e) => type(e.target.value)} placeholder=${t('rooms.addHint')} aria-label=${t('rooms.addHint')} maxlength="120" />
    ${nodes.length > 1 && html`<select value=${node} onChange=${(e) => choose(e.target.value)} aria-label=${t('nodes.heading')}>
      ${nodes.map((n) => html`<option key=${n} value=${n}>${n}</option>`)}</select>`}
    <button type="submit" disabled=${busy.value === 'new' || !text.trim()}>${t(busy.value === 'new' ? 'action.busy' : 'rooms.add')}</button>
  </form>`;
}
