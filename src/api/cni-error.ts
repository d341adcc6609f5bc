/** Error codes of the CNI specification 1.1.0 (section 5, "Error") and of its Go library (8, 999). */
export const code = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  decode: 6,
  invalidConfig: 7,
  invalidNetns: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  internal: 999,
  /** Ours: a block has no free address. */
  exhausted: 101,
  /** Ours: the pod asks for a NIC, class or address that is not to be had. */
  unsatisfiable: 102,
  /** Ours: a delegate failed without a code of its own. */
  delegate: 103,
  /** Ours: another network holds the NIC in another kind or mode. */
  nicConflict: 104,
} as const;

/** A refusal as a CNI runtime sees it: `message` names object, value, limit and what to do; `details` is for the log. */
export class CniError extends Error {
  override readonly name = 'CniError';
  readonly code: number;
  readonly details: string;
  constructor(code: number, message: string, details = '', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}
