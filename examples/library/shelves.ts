// The books and who has them, kept in one JSON file. Knows nothing of MCP or of tokens.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export type Book = {
  id: string;
  title: string;
  author: string;
  year: number;
  subjects: string[];
  copies: number;
};

export type Loan = { book: string; person: string; since: string };

/** What the library will not do, in words for the person. */
export class LibraryRule extends Error {
  override name = 'LibraryRule';
}

export type Shelves = ReturnType<typeof openShelves>;

/** Opens `dataFile`, filled from the checked-in catalogue when it does not exist yet. */
export function openShelves(dataFile: string) {
  const loansFile = `${dataFile}.loans`;
  if (!existsSync(dataFile)) copyFileSync(new URL('books.json', import.meta.url), dataFile);
  const books = new Map(read<Book[]>(dataFile).map((book) => [book.id, book]));
  let loans: Loan[] = existsSync(loansFile) ? read<Loan[]>(loansFile) : [];

  const find = (id: string): Book => {
    const book = books.get(id);
    if (!book) throw new LibraryRule(`There is no book "${id}". Use search_books to find its id.`);
    return book;
  };
  const inside = (book: Book): number => book.copies - loans.filter((loan) => loan.book === book.id).length;
  const has = (person: string, id: string) => (loan: Loan) => loan.person === person && loan.book === id;

  return {
    /** Books in whose title, author or subjects every word occurs. */
    search(words: string): Book[] {
      const wanted = plain(words).split(/\s+/).filter(Boolean);
      return [...books.values()].filter((book) => {
        const text = plain([book.title, book.author, book.year, ...book.subjects].join(' '));
        return wanted.every((word) => text.includes(word));
      });
    },
    details: (id: string) => ({ ...find(id), available: inside(find(id)) }),
    loans: (person: string) =>
      loans
        .filter((loan) => loan.person === person)
        .map(({ book, since }) => ({ book, title: find(book).title, since })),
    borrow(id: string, person: string, now: Date): Loan {
      const book = find(id);
      if (loans.some(has(person, id))) throw new LibraryRule(`You already have "${book.title}".`);
      if (inside(book) <= 0) throw new LibraryRule(`Every copy of "${book.title}" is out.`);
      const loan = { book: id, person, since: now.toISOString().slice(0, 10) };
      loans = [...loans, loan];
      write(loansFile, loans);
      return loan;
    },
    giveBack(id: string, person: string): Book {
      const book = find(id);
      if (!loans.some(has(person, id))) throw new LibraryRule(`You do not have "${book.title}".`);
      loans = loans.filter((loan) => !has(person, id)(loan));
      write(loansFile, loans);
      return book;
    },
    add(details: Omit<Book, 'id'>): Book {
      const id = plain(details.title)
        .replace(/'/g, '')
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '');
      if (id === '') throw new LibraryRule('The title needs a letter or a digit.');
      if (books.has(id)) throw new LibraryRule(`There already is a book "${id}".`);
      const book = { id, ...details };
      books.set(id, book);
      write(dataFile, [...books.values()]);
      return book;
    },
    remove(id: string): Book {
      const book = find(id);
      if (inside(book) < book.copies)
        throw new LibraryRule(`A copy of "${book.title}" is out; it must come back first.`);
      books.delete(id);
      write(dataFile, [...books.values()]);
      return book;
    },
  };
}

const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

const read = <Shape>(file: string): Shape => JSON.parse(readFileSync(file, 'utf8')) as Shape;

// A rename is all or nothing: a crash leaves the old file, never half of the new one.
function write(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, JSON.stringify(content, null, 1));
  renameSync(`${file}.new`, file);
}
