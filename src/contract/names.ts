/**
 * Names that cross the contract. `src/content` numbers the same things on the wire; the engine's tables between both do
 * not compile while one of them is missing.
 */
export const serviceReactionNames = ['seen', 'agree', 'thanks', 'noted'] as const
export const formatStyleNames = ['bold', 'italic', 'strike', 'monospace'] as const

export type ServiceReactionName = (typeof serviceReactionNames)[number]
export type FormatStyleName = (typeof formatStyleNames)[number]
