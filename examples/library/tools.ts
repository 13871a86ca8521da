// The library's tools, written as if everybody may call them: whether this caller may is the guard's business.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Calendar } from './calendar.ts';
import { LibraryRule, type Shelves } from './shelves.ts';

const id = z.string().min(1).max(200).describe('The id of the book, as search_books gives it');

const newBook = {
  title: z.string().trim().min(1).max(200),
  author: z.string().trim().min(1).max(200),
  year: z.number().int().min(1).max(2200),
  subjects: z.array(z.string().trim().min(1).max(50)).max(10).default([]),
  copies: z.number().int().min(1).max(20).default(1),
};

/** A server whose loans are in the name of whoever the token speaks for. */
export function libraryServer(shelves: Shelves, calendar?: Calendar): McpServer {
  const server = new McpServer({ name: 'town-library', title: 'Town Library', version: '1.0.0' });
  const reads = { readOnlyHint: true };
  const changes = { readOnlyHint: false, destructiveHint: false };

  server.registerTool(
    'search_books',
    {
      description: 'Search the catalogue by title, author, year or subject',
      inputSchema: { query: z.string().max(200).describe('Words that must all occur; empty for everything') },
      annotations: reads,
    },
    ({ query }) => answer(() => shelves.search(query)),
  );
  server.registerTool(
    'book_details',
    { description: 'One book and how many copies are in', inputSchema: { id }, annotations: reads },
    (input) => answer(() => shelves.details(input.id)),
  );
  server.registerTool(
    'list_loans',
    { description: 'The books you have borrowed', inputSchema: {}, annotations: reads },
    (_input, extra) => answer(() => shelves.loans(person(extra))),
  );
  server.registerTool(
    'borrow_book',
    { description: 'Borrow a book in your name', inputSchema: { id }, annotations: changes },
    (input, extra) => answer(() => shelves.borrow(input.id, person(extra), new Date())),
  );
  server.registerTool(
    'return_book',
    { description: 'Return a book that you borrowed', inputSchema: { id }, annotations: changes },
    (input, extra) => answer(() => shelves.giveBack(input.id, person(extra))),
  );
  server.registerTool(
    'add_book',
    { description: 'Add a book to the catalogue', inputSchema: newBook, annotations: changes },
    (input) => answer(() => shelves.add(input)),
  );
  server.registerTool(
    'remove_book',
    {
      description: 'Remove a book from the catalogue for good',
      inputSchema: { id },
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
    (input) => answer(() => shelves.remove(input.id)),
  );
  if (calendar) {
    server.registerTool(
      'my_calendar',
      { description: 'What is in your calendar at Acme', inputSchema: {}, annotations: reads },
      (_input, { authInfo }) => calendar(authInfo),
    );
  }
  return server;
}

function person({ authInfo }: { authInfo?: { extra?: Record<string, unknown> } | undefined }): string {
  const subject = authInfo?.extra?.subject;
  if (typeof subject !== 'string')
    throw new TypeError('a call reached the library without passing the guard');
  return subject;
}

function answer(work: () => unknown): CallToolResult {
  try {
    return { content: [{ type: 'text', text: JSON.stringify(work(), null, 1) }] };
  } catch (error) {
    if (!(error instanceof LibraryRule)) throw error;
    return { isError: true, content: [{ type: 'text', text: error.message }] };
  }
}
