// What must not reach a log, whoever logs it and however deep it lies.

const HIDDEN = '[hidden]';

/** The last word of a name says what it holds: `refresh_token`, `clientSecret`, `set-cookie`. */
const SECRET_WORDS =
  /(?:^|[_-])(?:password|passphrase|repeat|secret|token|assertion|authorization|cookie|verifier|csrf|credential|jwt)s?$/i;

/** Names that hold a secret at the wire and something harmless elsewhere (`code: 'ENOENT'`): hidden when long. */
const SOMETIMES = /^(?:code|state|key|nonce|id_token_hint|d|uid|sid|session)$/i;

const isSecretName = (name: string): boolean => SECRET_WORDS.test(name.replace(/([a-z])([A-Z])/g, '$1_$2'));

/** Secrets inside a sentence or an address: credentials after a scheme, JWTs, and the values of telling parameters. */
export function redactText(text: string): string {
  return text
    .replace(/\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${HIDDEN}`)
    .replace(/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, HIDDEN)
    .replace(
      /([?&#;\s"'{]|^)((?:[a-z]+_)?(?:code|state|token|secret|password|assertion|verifier|csrf)=)[^&\s"'#;]+/gi,
      `$1$2${HIDDEN}`,
    )
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi, `$1:${HIDDEN}@`);
}

/** A copy of `value` fit for a log: secrets hidden by name at any depth and by shape in texts, cycles cut. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 6) return '[deeper]';
  if (Buffer.isBuffer(value) || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof URL) return redactText(value.href);
  if (Array.isArray(value)) return value.slice(0, 100).map((member) => redact(member, depth + 1));
  // A Secret, a Date and the like say themselves how they are written.
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, redactMember(name, member, depth)]),
  );
}

function redactMember(name: string, member: unknown, depth: number): unknown {
  const holdsSomething = typeof member === 'string' || (typeof member === 'object' && member !== null);
  if (holdsSomething && isSecretName(name)) return HIDDEN;
  if (typeof member === 'string' && member.length >= 16 && SOMETIMES.test(name)) return HIDDEN;
  return redact(member, depth + 1);
}

function redactError(error: Error, depth: number): unknown {
  const { name, message, stack, cause, ...own } = error as Error & Record<string, unknown>;
  return {
    type: name,
    message: redactText(message),
    ...(stack && { stack: redactText(stack) }),
    ...(redact(own, depth + 1) as object),
    ...(cause !== undefined && { cause: redact(cause, depth + 1) }),
  };
}
