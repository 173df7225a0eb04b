"""How the built-in embedding model is trained: what `train_embedding.py` stands on.

Data: `data`, `words`, `tokenizer`, `everyday_sentences` (with `everyday_grammar`, `everyday_vocabulary`,
`inflection`, `wordnet`). Model and losses: `losses`, `ranking`, `model_files`, `start`, `recipe`. Batches:
`batches`, `ranking_batches`, `lexical`. Teachers: `lessons`, `teacher`, `joint_space`, `relevance`,
`universal_sentence_encoder`, `multilingual_e5`.
"""
