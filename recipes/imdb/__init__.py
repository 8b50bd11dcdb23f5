"""The rating model of film reviews: pretraining, distillation from larger teachers, pruning."""
