/** A condition on `information_schema.TABLES`: tables of the database that a transaction does not cover. */
export const HAS_NO_TRANSACTIONS =
  `TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW' AND ENGINE NOT IN ` +
  `(SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES')`;
