"""The pages for readers: chat, documents, sign-in, and the API's documentation."""
