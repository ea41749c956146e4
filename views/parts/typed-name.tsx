/** The name of what goes for good, typed once more; `isRefused` where what came was another. */
export function TypedName({ name, isRefused }: { readonly name: string; readonly isRefused: boolean }) {
  return (
    <label>
      Type its name, {name}, to go on
      <input name="name" autocomplete="off" required aria-invalid={isRefused ? 'true' : undefined} />
    </label>
  );
}
