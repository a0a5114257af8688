/** What is read by whoever answers a request too late, or their own. */
interface Over {
  id: string;
  state: 'approved' | 'refused' | 'expired' | 'withdrawn';
  by?: string | undefined;
  why?: string | undefined;
}

/** `at`: when it ended, wall time, ms. */
export function overWords({ id, state, by, why }: Over, at: number): string {
  const was = state === 'expired' ? state : `was ${state}${by === undefined ? '' : ` by ${by}`}`;
  const because = why === undefined ? '' : ` (${why})`;
  return `request ${id} ${was} at ${new Date(at).toISOString()}${because}: nothing to decide`;
}

export function ownWords(id: string, verb: 'approve' | 'refuse'): string {
  const instead = verb === 'refuse' ? `\`sallyport request --withdraw ${id}\`` : 'another person must approve it';
  return `request ${id} is your own: ${instead}`;
}
