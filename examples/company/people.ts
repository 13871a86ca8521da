// Who works at the company, what they are told apart by, and what stands in their calendars.

export type Person = {
  id: string;
  name: string;
  email: string;
  groups: string[];
  calendar: { day: string; what: string }[];
};

export const people: readonly Person[] = [
  {
    id: 'kim',
    name: 'Kim Lee',
    email: 'kim@acme.example',
    groups: ['staff', 'librarians'],
    calendar: [
      { day: 'Monday', what: 'Return the atlas' },
      { day: 'Thursday', what: 'Reading circle' },
    ],
  },
  {
    id: 'sam',
    name: 'Sam Roy',
    email: 'sam@acme.example',
    groups: ['staff'],
    calendar: [{ day: 'Friday', what: 'Stocktaking' }],
  },
];

export const personOf = (id: string | undefined): Person | undefined =>
  people.find((person) => person.id === id);
