/** A small C project as one meets them: a few headers, some forty files of plain code, one program. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onCleanup } from './cleanup.mjs';

export const FILES = 40;
const FUNCTIONS = 12;

const header = (at) => `#ifndef PART_${at}_H
#define PART_${at}_H
#include <stddef.h>
struct part_${at} { char name[32]; long count; double weight; struct part_${at} *next; };
${each(FUNCTIONS, (f) => `long part_${at}_${f}(const struct part_${at} *list, long start);`)}
#endif
`;

const source = (at) => `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "part_${at}.h"
#include "part_${(at + 1) % FILES}.h"
${each(FUNCTIONS, (f) => body(at, f))}
`;

const body = (at, f) => `
long part_${at}_${f}(const struct part_${at} *list, long start)
{
    long sum = start;
    char text[64];
    for (const struct part_${at} *p = list; p != NULL; p = p->next) {
        size_t length = strnlen(p->name, sizeof p->name);
        if (length > ${f}) sum += p->count * ${f + 1};
        else if (p->weight > ${at}.5) sum -= (long)(p->weight * ${f + 3});
        snprintf(text, sizeof text, "%s:%ld", p->name, sum);
        for (size_t i = 0; text[i] != '\\0'; i++) sum = sum * 31 + (unsigned char)text[i];
    }
    return sum${f > 0 ? ` + part_${at}_${f - 1}(list, sum / 2)` : ''};
}`;

const main = () => `#include <stdio.h>
${each(FILES, (at) => `#include "part_${at}.h"`)}
int main(void)
{
    long sum = 0;
${each(FILES, (at) => `    sum += part_${at}_${FUNCTIONS - 1}(NULL, ${at});`)}
    return printf("%ld\\n", sum) < 0;
}
`;

const MAKEFILE = `CFLAGS = -O1 -Wall
OBJECTS := $(patsubst %.c,$(O)/%.o,$(notdir $(wildcard *.c)))
$(O)/program: $(OBJECTS)
\t$(CC) -o $@ $^
$(O)/%.o: %.c
\t$(CC) $(CFLAGS) -c -o $@ $<
`;

function each(count, make) {
  return Array.from({ length: count }, (_, i) => make(i)).join('\n');
}

/** Writes it where sessions can read it, with a directory beside it that anyone may write. Gone at the end of the run. */
export function writeProject() {
  const dir = mkdtempSync('/var/tmp/sallyport-bench-');
  onCleanup(() => rmSync(dir, { recursive: true, force: true }));
  const src = join(dir, 'src');
  const out = join(dir, 'out');
  for (const path of [src, out]) mkdirSync(path);
  chmodSync(dir, 0o755);
  chmodSync(src, 0o755);
  chmodSync(out, 0o1777);
  for (let at = 0; at < FILES; at++) {
    writeFileSync(join(src, `part_${at}.h`), header(at));
    writeFileSync(join(src, `part_${at}.c`), source(at));
  }
  writeFileSync(join(src, 'main.c'), main());
  writeFileSync(join(src, 'Makefile'), MAKEFILE);
  return { src, out };
}
