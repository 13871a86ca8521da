// The page between Cardea and an address nobody vouches for, so that no one is thrown there unasked.

import { foreignHost, foreignName } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { linkTo, notice } from './parts.ts';
import { en } from './words/en.ts';

export type Leave = {
  client: { name: string };
  redirect: { host: string };
  /** The whole address to go on to; one that would run code is not linked. */
  href: string;
  decision?: 'allowed' | 'denied' | undefined;
};

export const leavePage = (page: Page, model: Leave): Html => {
  const words = en.leave;
  const client = foreignName(model.client.name);
  return layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.title}</h1>
<p class="lead">${words[model.decision ?? 'plain'](client)}</p>
<dl class="facts"><div><dt>${words.goesTo}</dt><dd><strong>${foreignHost(model.redirect.host)}</strong></dd></div></dl>
${notice('careful', html`<p>${words.careful}</p>`)}
<div class="actions"><a class="button primary" href="${linkTo(model.href)}" rel="noreferrer">${words.proceed}</a></div>
<p class="small">${words.close}</p>
</section>`,
  );
};
