// The names that every server under measurement and the client agree on.

export const RESOURCE = 'https://mcp.example.com/mcp';
export const SCOPE = 'mcp:tools';
export const ACCOUNT = { username: 'bench', password: 'correct horse battery' };
export const RESOURCE_SERVER = { id: 'bench-server', secret: 'a-secret-of-the-bench-server-0001' };
/** Never connected to. */
export const CALLBACK = 'http://127.0.0.1:9/callback';
