export interface AuditLike {
  seq: number;
  at: string;
  event: string;
  [field: string]: unknown;
}
export function renderAudit(_event: AuditLike): string {
  throw new Error('not yet');
}
