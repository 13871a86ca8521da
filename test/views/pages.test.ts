import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { consentPage } from '../../views/consent.ts';
import { render } from '../../views/html.ts';
import { leavePage } from '../../views/leave.ts';
import { controlsOf, formsOf } from '../support/person-form.ts';
import { consentModel, hostile, ordinary, pages } from './models.ts';

const page = { base: '', csrf: 'c5rF' };
const address = new URL('http://cardea.test/interaction/k3JmZ0');

/** Every tag with the names of its attributes: what a browser builds, without what is written in it. */
const skeleton = (markup: string): string[] =>
  [...markup.matchAll(/<(\/?[a-z][a-z0-9]*)((?:[^>"]|"[^"]*")*)>/gi)].map(
    ([, tag, rest = '']) =>
      `${tag} ${[...rest.matchAll(/([a-z-]+)(?:="[^"]*"|(?=[\s>]|$))/gi)].map(([, name]) => name).join(' ')}`,
  );

const text = (markup: string): string =>
  markup.replace(/<(title|code|bdi)\b[^>]*>.*?<\/\1>/gs, ' ').replace(/<[^>]*>/g, ' ');

const attributes = (markup: string, name: string): string[] =>
  [...markup.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);

describe.each(Object.entries(pages(ordinary)))('%s', (name, page) => {
  const markup = render(page);
  const attacked = render(pages(hostile)[name] ?? page);

  it('has the same elements and attributes whatever strangers wrote', () => {
    expect(skeleton(attacked)).toEqual(skeleton(markup));
    expect(attacked).not.toMatch(/<script|<img|\0/);
    expect(attacked.replace(/ [a-z]+="[^"]*"/g, '')).not.toContain('\u202E');
  });

  it('has one h1, one main, a language and a title of its own', () => {
    expect(markup.match(/<h1\b/g)).toHaveLength(1);
    expect(markup.match(/<main\b/g)).toHaveLength(1);
    expect(markup).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(markup).toMatch(/<title>[^<]+ · Cardea<\/title>/);
  });

  it('has no code, no style of its own and nothing from elsewhere', () => {
    expect(markup).not.toMatch(
      /<script|<style|<iframe|<base|<form[^>]*target| style=| on[a-z]+="|javascript:/i,
    );
    for (const asset of [
      ...attributes(markup, 'src'),
      ...[...markup.matchAll(/<link[^>]* href="([^"]*)"/g)].map(([, href = '']) => href),
    ])
      expect(asset).toMatch(/^\/public\//);
  });

  it('labels every input that a person fills in', () => {
    const labelled = attributes(markup, 'for');
    const wrapped = [...markup.matchAll(/<label[^>]*>\s*<input/g)].length;
    const visible = [...markup.matchAll(/<input\b[^>]*>/g)]
      .map(([tag]) => tag)
      .filter((tag) => !tag.includes('type="hidden"'));
    const loose = visible.filter((tag) => !labelled.includes(attributes(tag, 'id')[0] ?? ''));
    expect(loose).toHaveLength(wrapped);
  });

  it('carries the csrf value in every form, and only forms that post', () => {
    for (const form of formsOf(markup, address)) {
      expect(form.method).toBe('POST');
      expect(form.controls.find((control) => control.name === 'csrf')?.value).toBe('c5rF');
    }
  });

  it('does not talk about scopes, tokens, grants or clients', () => {
    expect(text(markup)).not.toMatch(/\b(scopes?|tokens?|grants?|granted|clients?|OAuth|redirect\w*)\b/i);
  });

  it('refers only to ids that are there, each of them once', () => {
    const ids = attributes(markup, 'id');
    expect(new Set(ids).size).toBe(ids.length);
    for (const wanted of attributes(markup, 'aria-describedby').flatMap((value) => value.split(' ')))
      expect(ids).toContain(wanted);
  });
});

describe('the consent page', () => {
  const markup = render(consentPage(page, consentModel(ordinary)));
  const controls = controlsOf(markup);

  it('offers allow, then deny, then another account, and focuses none of them', () => {
    expect(controls.filter(({ name }) => name === 'decision').map(({ value }) => value)).toEqual([
      'allow',
      'deny',
      'switch',
    ]);
    expect(markup).not.toContain('autofocus');
  });

  it('has one box for each tool, with the value and tick it was given', () => {
    const given = consentModel(ordinary).groups.flatMap(({ tools }) => tools);
    expect(
      controls
        .filter(({ type }) => type === 'checkbox')
        .map(({ name, value, checked }) => [name, value, checked]),
    ).toEqual(given.map(({ field, value, checked }) => [field, value, checked]));
  });

  it('says in words what is new', () => {
    expect(markup.match(/<strong class="new">New<\/strong>/g)).toHaveLength(1);
    expect(markup.match(/Not allowed so far</g)).toHaveLength(1);
  });

  it('keeps the name of an app nobody vouches for out of the heading', () => {
    const heading = /<h1>(.*?)<\/h1>/s.exec(markup)?.[1];
    expect(heading).not.toContain('Inkwell');
    expect(markup).toContain('It says it is called');
    expect(markup).toContain('Cardea cannot verify who made this app');
  });

  it('says so when an app is proven to be that of its host, whatever else it claims', () => {
    const verified = render(
      consentPage(page, {
        ...consentModel(ordinary),
        client: { name: 'Harbour', id: 'x', host: 'harbour.example', verified: true, selfRegistered: false },
      }),
    );
    expect(verified).toMatch(/belongs to <bdi[^>]*>harbour\.example</);
    expect(verified).not.toContain('cannot verify');
  });

  it('warns that any program on this computer could be asking', () => {
    expect(markup).toContain('Any program on this computer could be the one that is asking');
    const remote = { ...consentModel(ordinary), redirect: { host: 'inkwell.example', loopback: false } };
    expect(render(consentPage(page, remote))).not.toContain('Any program on this computer');
  });

  it('names the scheme that an app on this device would open', () => {
    const native = { ...consentModel(ordinary), redirect: { host: '', loopback: false, scheme: 'inkwell:' } };
    expect(render(consentPage(page, native))).toMatch(/opens <bdi[^>]*>inkwell:</);
  });
});

describe('the issuer under a path', () => {
  it('keeps every address of ours under that path', () => {
    const markup = render(
      consentPage({ ...page, base: '/auth' }, { ...consentModel(ordinary), action: '/auth/interaction/x' }),
    );
    for (const href of [...attributes(markup, 'href'), ...attributes(markup, 'action')])
      expect(href).toMatch(/^(\/auth\/|#)/);
  });
});

describe('leaving', () => {
  it('an address that would run code is not linked', () => {
    const markup = render(
      leavePage(page, { client: { name: 'x' }, redirect: { host: 'x' }, href: 'javascript:alert(1)' }),
    );
    expect(attributes(markup, 'href')).toContain('about:blank');
    expect(markup).not.toContain('javascript:');
  });
});

describe('the stylesheet', () => {
  const css = readFileSync(new URL('../../views/public/cardea.css', import.meta.url), 'utf8');

  it('is smaller than 13 KB and fetches nothing', () => {
    expect(Buffer.byteLength(css)).toBeLessThan(13 * 1024);
    expect(css).not.toMatch(/@import|url\(/);
  });
});
