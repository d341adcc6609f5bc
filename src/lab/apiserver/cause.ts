/** One cause of an Invalid answer, as metav1.StatusCause. */
export interface Cause {
  readonly reason: string;
  /** What is wrong, without the field. */
  readonly message: string;
  /** Field path, for example `spec.routes[0].dst`. */
  readonly field: string;
}
