export function noise(bytes: number, seed: string): Buffer
