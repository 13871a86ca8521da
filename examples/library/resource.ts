// The library as the authorization server knows it: scopes, their tools, what each does. The one list of its tools.

type Effect = 'read' | 'write' | 'destroy';

const tool = (name: string, description: string, effect: Effect) => ({ name, description, effect });

const scopes = [
  {
    name: 'library:read',
    description: 'Look at the catalogue and at your loans',
    default: true,
    tools: [
      tool('search_books', 'Search the catalogue', 'read'),
      tool('book_details', 'See one book and how many copies are in', 'read'),
      tool('list_loans', 'See the books you have borrowed', 'read'),
    ],
  },
  {
    name: 'library:lend',
    description: 'Borrow and return books in your name',
    default: true,
    tools: [tool('borrow_book', 'Borrow a book', 'write'), tool('return_book', 'Return a book', 'write')],
  },
  {
    name: 'library:curate',
    description: 'Change the catalogue',
    default: false,
    tools: [
      tool('add_book', 'Add a book to the catalogue', 'write'),
      tool('remove_book', 'Remove a book from the catalogue for good', 'destroy'),
    ],
  },
];

/** Where the library may look into people's calendars at the company, beside their loans. */
const calendarScope = {
  name: 'library:calendar',
  description: 'Look at your calendar at Acme',
  default: true,
  tools: [tool('my_calendar', 'See what is in your calendar at Acme', 'read')],
};

/** The entry under `resources` of the configuration. `uri` is the server's own, to the byte. */
export function libraryResource(uri: string, secret: string, { calendar = false } = {}) {
  return {
    uri,
    name: 'Town Library',
    token: { format: 'jwt', algorithm: 'ES256', lifetime: '10m' },
    server: { id: 'library-server', secret },
    scopes: calendar ? [...scopes, calendarScope] : scopes,
    ...(calendar && {
      upstreams: [{ name: 'company', purpose: 'read your calendar', scopes: ['calendar:read'] }],
    }),
  };
}

const toolNames = (of: typeof scopes): Record<string, string[]> =>
  Object.fromEntries(of.map((scope) => [scope.name, scope.tools.map((each) => each.name)] as const));

/** Scope → names of its tools, as the guard wants it. */
export const libraryScopes = toolNames(scopes);
export const libraryScopesWithCalendar = toolNames([...scopes, calendarScope]);
