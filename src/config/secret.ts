// A value that must not be seen: printing, logging, serialising or inspecting it gives `[secret]`.

import { inspect } from 'node:util';

const HIDDEN = '[secret]';

export type Secret = {
  /** The value itself; call it where it is used, never to keep the answer. */
  reveal(): string;
  toString(): string;
  toJSON(): string;
};

/** Wraps `value` so that only `reveal()` shows it. The value lives in a closure: no property holds it. */
export function secret(value: string): Secret {
  const wrapped = {
    reveal: () => value,
    toString: () => HIDDEN,
    toJSON: () => HIDDEN,
    [inspect.custom]: () => HIDDEN,
  };
  return Object.freeze(wrapped);
}
