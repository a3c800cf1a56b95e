//! What all queries share: values as JSON, and rows that cannot be read.

use rusqlite::types::Type;

pub(super) type Answer<T> = Result<T, rusqlite::Error>;

pub(super) fn json(value: &impl serde::Serialize) -> Answer<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

pub(super) fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
