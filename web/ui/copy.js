// A text with a button that copies it.
import { useRef, useState } from 'preact/hooks';
import { html } from './html.js';
import { t } from './i18n.js';

// The clipboard's interface is closed to pages without TLS, which is how most people reach their NAS: select and copy instead.
async function copy(element, text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const selection = getSelection();
  selection.selectAllChildren(element);
  document.execCommand('copy');
}

/** Copyable shows the text, or the children in its place; these must read as the text does, since they may be what is copied. */
export function Copyable({ text, label, children }) {
  const shown = useRef(null);
  const [copied, setCopied] = useState(false);
  const press = async () => {
    await copy(shown.current, text).catch(() => getSelection().selectAllChildren(shown.current));
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return html`<span class="copyable">
    ${children ? html`<span class="copied" ref=${shown}>${children}</span>` : html`<code ref=${shown}>${text}</code>`}
    <button type="button" class="small" onClick=${press} aria-label=${`${t('row.copy')} ${label ?? text}`}>
      <span aria-live="polite">${copied ? t('row.copied') : t('row.copy')}</span>
    </button>
  </span>`;
}
