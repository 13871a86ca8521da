// The few drawings, inline so that they take the colour of their text. All are decoration: words always say the same.

import { type Html, html } from './html.ts';

/** Cardea's mark: a door standing ajar on its two hinges. */
export const mark: Html = html`<svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
<path class="frame" d="M7 28V5.5A1.5 1.5 0 0 1 8.5 4h15A1.5 1.5 0 0 1 25 5.5V28"/>
<path class="leaf" d="M8.5 6.5l9.5 3.5V30l-9.5-3.5z"/>
<path class="hinge" d="M4.5 10h4v4h-4zM4.5 20h4v4h-4z"/>
<circle class="knob" cx="15.2" cy="20" r="1.3"/>
</svg>`;

const line = (path: Html): Html =>
  html`<svg class="icon" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">${path}</svg>`;

/** One drawing for each effect a tool can have. */
export const effectIcon: Readonly<Record<'read' | 'write' | 'destroy', Html>> = {
  read: line(
    html`<path d="M2.5 12s3.5-6.5 9.5-6.5S21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>`,
  ),
  write: line(
    html`<path d="M4 20l1-4.5L16.2 4.3a1.5 1.5 0 0 1 2.1 0l1.4 1.4a1.5 1.5 0 0 1 0 2.1L8.5 19z"/><path d="M14 6.5l3.5 3.5"/>`,
  ),
  destroy: line(
    html`<path d="M4.5 6.5h15M9.5 6.5V4h5v2.5M6.5 6.5l.8 13.5h9.4l.8-13.5M10.3 10.5v6M13.7 10.5v6"/>`,
  ),
};

export const shieldIcon: Html = line(
  html`<path d="M12 3l7.5 2.8v5.7c0 4.5-3 7.7-7.5 9.5-4.5-1.8-7.5-5-7.5-9.5V5.8z"/><path d="M8.8 12l2.3 2.3 4.2-4.5"/>`,
);
export const questionIcon: Html = line(
  html`<circle cx="12" cy="12" r="9"/><path d="M9.6 9.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.9M12 16.6v.2"/>`,
);
export const warningIcon: Html = line(html`<path d="M12 4l9 15.5H3zM12 10v4.5M12 17v.2"/>`);
export const doneIcon: Html = line(html`<circle cx="12" cy="12" r="9"/><path d="M8 12.3l2.8 2.8 5.2-5.8"/>`);
