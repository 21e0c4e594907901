// Templates: htm bound to Preact, so that every module writes html`…`.
import { h } from 'preact';
import htm from 'htm';

export const html = htm.bind(h);
