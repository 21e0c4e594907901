// The nodes: alive or not, how full, and their queues.
import { html } from './html.js';
import { ago, moment, percent, size } from './format.js';
import { language, t } from './i18n.js';
import { loaded, nodes, now } from './store.js';

const GiB = 1024 ** 3;
const downAfter = 60_000; // as the server counts

const alive = (node) => node.alive && !(now.value - moment(node.beat_at) > downAfter);

const since = (at) => (at ? ago(moment(at), now.value, language.value, t('time.now')) : '–');

export function Nodes() {
  return html`<section class="nodes panel" aria-labelledby="nodes">
    <h2 id="nodes">${t('nodes.heading')}</h2>
    ${loaded.value && nodes.value.length === 0 && html`<p class="quiet">${t('nodes.none')}</p>`}
    <ul>${nodes.value.map((node) => html`<${Node} key=${node.name} node=${node} />`)}</ul>
  </section>`;
}

function Node({ node }) {
  const up = alive(node);
  const { cpu, memory, disk } = node.heartbeat ?? {};
  return html`<li class="node ${up ? 'up' : 'down'}">
    <h3><span class="lamp" aria-hidden="true"></span><bdi>${node.name}</bdi> <span class="quiet">${up ? t('nodes.alive') : t('nodes.down')}</span></h3>
    ${!up && html`<p class="quiet">${t('nodes.seen', { time: since(node.beat_at) })}</p>`}
    ${up && html`<dl class="meters">
      <${Meter} word=${t('nodes.cpu')} value=${cpu?.percent} />
      <${Meter} word=${t('nodes.memory')} value=${memory?.percent} warn=${90} bad=${97} />
      <${Meter} word=${t('nodes.disk')} value=${disk?.percent} warn=${85} bad=${93}
        more=${disk && t('nodes.free', { size: size(disk.free * GiB) })} />
    </dl>`}
    ${(node.warnings ?? []).map((w) => html`<p class="note held" key=${w}>${w}</p>`)}
    <p class="queues"><span class="quiet">${t('nodes.queues')}</span> ${['encode', 'remux', 'upload'].map((kind) =>
      html`<a key=${kind} href=${`/asynq/queues/${encodeURIComponent(`${kind}.${node.name}`)}`}>${t(`nodes.queue.${kind}`)}</a> `)}</p>
  </li>`;
}

/** Meter is one line of a list of meters: a word, a bar, a number, and what is left. */
export function Meter({ word, value, warn = 101, bad = 101, more }) {
  const n = percent(value);
  const level = (n >= bad && 'bad') || (n >= warn && 'wary') || '';
  return html`<div class="meter ${level}">
    <dt>${word}</dt>
    <dd><progress max="100" value=${n ?? 0} aria-label=${word}></progress><span class="number">${n === undefined ? '–' : `${n}%`}</span>
      ${more && html`<span class="more-words">${more}</span>`}</dd>
  </div>`;
}
