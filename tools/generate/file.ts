/** A generated file: path relative to the repository, and what shall stand in it. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}
