"""How does text become numbers? Readers, tokenization, vocabulary, batches, word vectors."""
