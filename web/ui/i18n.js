// The page's language: a signal, remembered in this browser. Components that call t() change with it.
import { effect, signal } from '@preact/signals';
import { languages, phrase, preferred } from './words.js';

const place = 'nglive.language';

// A browser that forbids storage still shows the page.
function remembered() {
  try {
    return localStorage.getItem(place);
  } catch {
    return null;
  }
}

export const language = signal(preferred(remembered(), navigator.languages));

effect(() => {
  document.documentElement.lang = language.value;
});

export function switchLanguage() {
  language.value = language.value === 'en' ? 'zh-CN' : 'en';
  try {
    localStorage.setItem(place, language.value);
  } catch {
    // not remembered, still switched
  }
}

/** t says a sentence in the page's language. */
export const t = (key, values) => phrase(languages[language.value], key, values);

/** has reports whether there are words for a key. */
export const has = (key) => Object.hasOwn(languages['zh-CN'], key);

const said = new Map([
  ['cancelled by a person', 'said.cancelled'],
  ['retried by a person', 'said.retried'],
  ['retried by a person from the queue', 'said.retriedQueue'],
  ['nobody has logged in: run `nglive baidu login` / 尚未登录，请运行 nglive baidu login', 'said.nobody'],
]);

/** says translates the few fixed sentences of the server; everything else stands as it was said. */
export const says = (sentence) => (said.has(sentence) ? t(said.get(sentence)) : sentence);
