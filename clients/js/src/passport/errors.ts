/** A passport says something that it may not; `fields` has a sentence for each field by its name (home.open_accounts). */
export class InvalidPassport extends Error {
  constructor(readonly fields: Readonly<Record<string, string>>) {
    super(Object.values(fields).join("; "));
  }
}

/** A file is no opening, or not one that belongs together; nothing of its content is repeated. */
export class InvalidOpening extends Error {}
