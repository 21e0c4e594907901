// The login, shown when the server answers 401.
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.js';
import { login } from './api.js';
import { t } from './i18n.js';

export function Login({ done }) {
  const field = useRef(null);
  const [trouble, setTrouble] = useState(undefined);
  const [busy, setBusy] = useState(false);
  const [visible, setVisible] = useState(false);
  useEffect(() => field.current.focus(), []);
  const enter = async (event) => {
    event.preventDefault();
    setBusy(true);
    await login(field.current.value.trim()).then(done, (err) => {
      setTrouble(err);
      field.current.select();
    });
    setBusy(false);
  };
  return html`<main class="login">
    <form class="panel" onSubmit=${enter}>
      <h2>${t('login.heading')}</h2>
      <input type="text" autocomplete="username" value="nglive" hidden readonly />
      <label for="token">${t('login.token')}</label>
      <input id="token" ref=${field} type=${visible ? 'text' : 'password'} required autocomplete="current-password"
        spellcheck="false" autocapitalize="off" aria-describedby="where trouble" />
      <label class="check"><input type="checkbox" checked=${visible} onChange=${() => setVisible(!visible)} /> ${t('login.show')}</label>
      <p id="trouble" role="alert">${trouble && (trouble.status === 401 ? t('login.wrong') : trouble.inWords(t))}</p>
      <button type="submit" class="primary" disabled=${busy}>${busy ? t('action.busy') : t('login.enter')}</button>
      <p id="where" class="quiet">${t('login.where')}</p>
    </form>
  </main>`;
}
