/** How a verb travels: `POST /v1/<verb>` with a JSON body; errors as `{ error: { code, message } }`. */
import { z } from 'zod';
import type { ErrorCode } from '../core/errors.js';

export const PREFIX = '/v1/';

/** Largest request: a user with a hundred keys of 16 KiB fits. Unit: bytes. */
export const MAX_REQUEST_BYTES = 2 * 1024 * 1024;

/** Largest reply a client takes: a backup of a store far beyond the sizes lowdb is meant for. Unit: bytes. */
export const MAX_REPLY_BYTES = 256 * 1024 * 1024;

export const HTTP_STATUS: Record<ErrorCode, number> = {
  failed: 500,
  usage: 400,
  'not-found': 404,
  refused: 403,
  unreachable: 503,
};

export const errorReply = z.object({
  error: z.object({
    code: z.enum(['failed', 'usage', 'not-found', 'refused', 'unreachable']),
    message: z.string(),
  }),
});
