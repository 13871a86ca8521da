// The page for everything that could not be done: what happened, what to do next, and what to quote.

import { plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { en } from './words/en.ts';

export type Failure = {
  title: string;
  /** What happened, for whoever was asking. */
  sentence: string;
  /** What to do next. */
  hint?: string | undefined;
  /** The OAuth error code, shown small for whoever builds the app. */
  code?: string | undefined;
  /** Instead of the page's own. */
  traceId?: string | undefined;
};

export const errorPage = (page: Page, model: Failure): Html => {
  const words = en.error;
  const traceId = model.traceId ?? page.traceId;
  return layout(
    { ...page, traceId: undefined },
    { title: plainText(model.title), width: 'narrow' },
    html`<section class="card door failed">
<h1>${plainText(model.title)}</h1>
<p class="lead">${plainText(model.sentence)}</p>
${model.hint && html`<h2>${words.next}</h2><p>${plainText(model.hint)}</p>`}
${
  (traceId || model.code) &&
  html`<dl class="facts">
${traceId && html`<div><dt>${words.quote}</dt><dd><code>${traceId}</code></dd></div>`}
${model.code && html`<div><dt>${words.code}</dt><dd><code>${plainText(model.code)}</code></dd></div>`}
</dl>`
}
<p><a href="${page.base}/">${words.home}</a></p>
</section>`,
  );
};
