// The grant types that a client may be entered with; what each is for is the token endpoint's to say.

/** RFC 8628 §3.4. */
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

export const CLIENT_GRANTS = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  DEVICE_CODE,
] as const;

export type ClientGrantType = (typeof CLIENT_GRANTS)[number];
