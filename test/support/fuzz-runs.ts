/** How many cases each property about foreign input tries; at least 10,000 together (test/unit/daemon/handler-fuzz.test.ts). */
export const fuzzRuns = {
  gate: 3000,
  del: 1000,
  result: 2000,
  handler: 5000,
  chain: 2000,
  shim: 200,
  socket: 300,
  delegate: 30,
} as const;
