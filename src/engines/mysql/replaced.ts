/**
 * One transaction sees the rows of its beginning, but each table by the name that it has when it is read. Where another table has got the
 * name meanwhile, as every online change of a schema ends (gh-ost, pt-online-schema-change), the dump holds what that one had at the
 * beginning: a part of the rows, and ends well (measured: MariaDB 10.11). What is altered, emptied or made anew is another matter: that
 * the server refuses to read. So tables are listed before and after: one that became another while a name went away was replaced.
 *
 * Shell functions, where `choose_tools` has chosen: `list_tables` prints what `refuse_replaced BEFORE` compares.
 */
export const TELL_REPLACED = `list_tables() {
  ask "SELECT CONCAT(HEX(TABLE_NAME), ' ', COALESCE(UNIX_TIMESTAMP(CREATE_TIME), 0)) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW'"
}
refuse_replaced() {
  after=$(list_tables) || return
  [ "$1" != "$after" ] || return 0
  differ=$(printf '%s\\n' "$1" "$after" | sort | uniq -u | cut -d ' ' -f 1)
  gone=
  for name in $(printf '%s\\n' "$differ" | uniq -u); do
    case "
$1" in *"
$name "*) gone=1 ;; esac
  done
  replaced=$(printf '%s\\n' "$differ" | uniq -d | head -n 20)
  [ "$gone" ] && [ "$replaced" ] || return 0
  echo "bridgeport: tables were replaced:" $replaced >&2
  return 65
}`;
