// The one way an expected failure leaves a room: a Refusal.
// Whatever else is thrown is a bug and is logged once, at the edge.

export type RefusalDetails = {
  /** Stable, machine-readable: `grant_ended`, `username_taken`. Never reworded once released. */
  reason: string;
  /** HTTP status that fits, should this reach the wire. */
  status?: number;
  /** The OAuth error code (RFC 6749 §5.2 and friends) that makes a client recover. */
  oauth?: string;
  /** What the person or operator can do next, in one sentence. */
  hint?: string;
  /** More members of the JSON answer (RFC 6749 §5.2 allows them). */
  members?: Record<string, string>;
  cause?: unknown;
};

export class Refusal extends Error {
  override name = 'Refusal';
  readonly reason: string;
  readonly status: number;
  readonly oauth: string;
  readonly hint: string | undefined;
  readonly members: Record<string, string>;

  /** `message` is shown to whoever asked: a full sentence, nothing secret. */
  constructor(
    message: string,
    { reason, status = 400, oauth = 'invalid_request', hint, members = {}, cause }: RefusalDetails,
  ) {
    super(message, { cause });
    this.reason = reason;
    this.status = status;
    this.oauth = oauth;
    this.hint = hint;
    this.members = members;
  }
}
