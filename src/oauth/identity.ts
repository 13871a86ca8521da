// Scopes that are about the person and not about a resource (OpenID Connect Core §3.1.2.1, §11): allowed to whoever
// was allowed anything, for an id_token says no more than `sub`, and offline_access is decided elsewhere.

export const IDENTITY_SCOPES = ['openid', 'offline_access'];
