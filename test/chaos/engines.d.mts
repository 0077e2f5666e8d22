/** Ways to break a copy of the engine, by name. */
export const breaks: Readonly<Record<string, { what: string }>>

/** Copies the built engine into a folder, broken as named. @returns the command there. @throws Error where a break does not fit */
export function copyEngine(folder: string, brokenBy?: string, isTraced?: boolean): string
