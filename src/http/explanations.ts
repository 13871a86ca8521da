// What a person is told when something cannot go on: a title, and what they can do about it.
// The sentence in between belongs to whoever refused; here are those of the protocol engine, which speaks to developers.

export type Explanation = { title: string; sentence?: string; hint?: string };

const AGAIN = 'Go back to the app and start the connection again.';
const TELL = 'Tell whoever makes the app; the technical name below says what is wrong.';

/** By OAuth error code, for what the engine refuses before it may send the person back to the app. */
const engine: Record<string, Explanation> = {
  invalid_client: {
    title: 'This app is not known here',
    sentence: 'It may have been removed, or it kept a registration from another server.',
    hint: 'In the app, remove this server and add it again.',
  },
  invalid_client_metadata: {
    title: 'This app cannot be recognised',
    sentence: 'What the app says about itself could not be read, or does not hold together.',
    hint: TELL,
  },
  invalid_redirect_uri: {
    title: 'This app cannot continue',
    sentence: 'It asked to send you to an address that it has not registered, so you were not sent there.',
    hint: TELL,
  },
  invalid_request: { title: 'This request does not add up', hint: AGAIN },
  invalid_target: { title: 'This service is not behind this server', hint: TELL },
  unsupported_response_type: { title: 'This app asks in a way that is not offered', hint: TELL },
  unauthorized_client: { title: 'This app may not ask for this', hint: TELL },
  access_denied: { title: 'This was not allowed', hint: AGAIN },
  temporarily_unavailable: { title: 'Not just now' },
  server_error: {
    title: 'Something went wrong here',
    sentence: 'This is not your doing. Nothing was allowed.',
    hint: 'Try again. If it stays, give the reference below to whoever runs this server.',
  },
};

/** By reason code, where the title should say more than the status does. */
const reasons: Record<string, Explanation> = {
  interaction_expired: { title: 'This sign-in has run out' },
  request_uri_used: { title: 'This page was opened before' },
  request_uri_old: { title: 'This took too long' },
  invitation_used: { title: 'This link no longer works' },
  connect_link_used: { title: 'This link no longer works' },
  connect_link_foreign: { title: 'This link is for somebody else' },
  connect_over: { title: 'This is no longer needed' },
  client_document: { title: 'This app cannot be recognised' },
  client_host: { title: 'This app is not accepted here' },
  not_permitted: { title: 'Your account may not do this' },
  too_many_attempts: { title: 'Please wait a moment' },
  wrong_origin: { title: 'This server has another address' },
  form_foreign: { title: 'This form cannot be accepted' },
  grant_unknown: { title: 'This connection has ended' },
  upstream_answer_unknown: { title: 'This sign-in was not started here' },
  upstream_other_browser: { title: 'This sign-in was not started here' },
  upstream_other_session: { title: 'This sign-in was not started here' },
  upstream_mixed_up: { title: 'This sign-in was not started here' },
  upstream_answer_used: { title: 'This sign-in is over' },
  upstream_answer_malformed: { title: 'This sign-in cannot go on' },
  not_admitted: { title: 'You are not let in with this account' },
  identity_taken: { title: 'That account belongs to another one here' },
  last_way_in: { title: 'This way in stays' },
};

const statuses: Record<number, string> = {
  404: 'There is nothing here',
  405: 'That cannot be done here',
  409: 'Somebody else was faster',
  413: 'That is too much',
  415: 'That cannot be read',
  429: 'Please wait a moment',
  503: 'Not just now',
};

/** For a Refusal of ours. */
export const explainRefusal = (reason: string, status: number): Explanation =>
  reasons[reason] ?? {
    title: statuses[status] ?? (status >= 500 ? 'Something went wrong here' : 'This cannot go on'),
  };

/** For an error of the protocol engine, which has a description for developers. */
export function explainEngine(
  error: string,
  description: string | undefined,
): Explanation & { sentence: string } {
  const expired = /interaction session|session.*not found|cookie not found/i.test(description ?? '');
  const found = expired
    ? {
        title: 'This sign-in has run out',
        sentence: 'It has been open too long, or belongs to another browser.',
        hint: AGAIN,
      }
    : (engine[error] ?? { title: 'This app cannot continue', hint: AGAIN });
  return { ...found, sentence: found.sentence ?? sentence(description) };
}

function sentence(description: string | undefined): string {
  if (!description) return 'What the app asked for could not be understood.';
  const text = `The answer to the app is: ${description}`;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
