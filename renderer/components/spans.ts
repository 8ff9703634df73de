import type { Text } from '../../src/text/index.ts'

/** Pure rules of how spans of time are said. All spans are ms unless they are named seconds. */

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
const weekMs = 7 * dayMs

/** In one unit, rounded up, never below a minute; weeks only when they are whole. */
export function spanWords(text: Text, ms: number): string {
  if (ms > 0 && ms % weekMs === 0) return text('span.weeks', { count: ms / weekMs })
  if (ms > 2 * dayMs - 1) return text('span.days', { count: Math.ceil(ms / dayMs) })
  if (ms === dayMs) return text('span.days', { count: 1 })
  if (ms > 90 * minuteMs) return text('span.hours', { count: Math.ceil(ms / hourMs) })
  if (ms === hourMs) return text('span.hours', { count: 1 })
  return text('span.minutes', { count: Math.max(1, Math.ceil(ms / minuteMs)) })
}

/** How long messages may stay, as the menu offers it; seconds, 0: for ever. */
export const timerChoices: readonly number[] = [0, 86_400, 604_800, 2_419_200]
